"""The reports that specialists read of each other, under the name by which other packages import them."""

from modelcar_tui.verdict import ConfigurationReport, DecisionReport, ModelRequirements, ModelVerdict, Verdict

__all__ = ["ConfigurationReport", "DecisionReport", "ModelRequirements", "ModelVerdict", "Verdict"]
