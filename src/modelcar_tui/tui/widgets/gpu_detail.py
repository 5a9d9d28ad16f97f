"""The panel under the GPU table: the node under the cursor, or what limits the cluster's GPUs."""

from __future__ import annotations

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.gpu_detail import detail_rows, group_rows, limit_rows
from modelcar_tui.tui.faces.gpu_groups import Group
from modelcar_tui.tui.rows import EMPTY, Row, row
from modelcar_tui.tui.view import View
from modelcar_tui.tui.widgets.gpus import GpuTable


class GpuDetail(View):
    """All that is known of the node or group under the cursor."""

    framed = True

    def __init__(self, face: Face, table: GpuTable) -> None:
        super().__init__(face, id="node")
        self._table = table

    def head(self) -> tuple[Row, Row]:
        line = self._table.current
        return row((line.name if line else "no node", "title")), EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        line = self._table.current
        if line is None:
            return []
        if isinstance(line, Group):
            return group_rows(line, width, self.face.glyphs)
        return detail_rows(self.face.state, line, width, self.face.glyphs)


class GpuLimits(View):
    """Quotas, queues, pull secrets, MachineSets, what could not be read."""

    framed = True

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="limits")

    def head(self) -> tuple[Row, Row]:
        return row(("limits", "title")), EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        rows = limit_rows(self.face.state.cluster, width, self.face.glyphs)
        return rows or [row(("no quota, queue or limit is known", "muted"))]
