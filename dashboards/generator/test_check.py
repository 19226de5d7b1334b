"""The checks find what they are there for: each case breaks one thing in good dashboards."""

import copy
import json
import unittest

import check
from boards import BOARDS

GOOD = {board.name: json.loads(board.text()) for board in BOARDS}


def panel(board: dict, kind: str, **wanted) -> dict:
    return next(one for one in board["panels"] if one["type"] == kind and all(one.get(key) == value for key, value in wanted.items()))


CASES = {
    "('gridPoss' was unexpected)": lambda board: panel(board, "stat").update(gridPoss={}),
    ".gridPoss: unknown to grafana-foundation-sdk": lambda board: panel(board, "stat").update(gridPoss={}),
    "'42' is not of type 'number'": lambda board: board.update(schemaVersion="42"),
    ".targets[0].exprr": lambda board: panel(board, "stat")["targets"][0].update(exprr="up"),
    "'sparkles' is not one of": lambda board: panel(board, "stat")["options"].update(graphMode="sparkles"),
    "'barWidht' was unexpected": lambda board: panel(board, "timeseries")["fieldConfig"]["defaults"]["custom"].update(barWidht=1),
    "override 'Forecast' decimals": lambda board: [
        made.update(value="one") for over in panel(board, "table")["fieldConfig"]["overrides"] if over["matcher"]["options"] == "Forecast"
        for made in over["properties"] if made["id"] == "decimals"],
    "no schema of the panel type 'gauge'": lambda board: panel(board, "stat").update(type="gauge"),
    "uid is 'x'": lambda board: board.update(uid="x"),
    "has an id": lambda board: board.update(id=7),
    "$customer is not a variable": lambda board: panel(board, "stat").update(title="of $customer"),
    "variable spare is used nowhere": lambda board: board["templating"]["list"].append({**board["templating"]["list"][1], "name": "spare"}),
    "allValue should be": lambda board: board["templating"]["list"][1].update(allValue="all"),
    "lies on": lambda board: panel(board, "table")["gridPos"].update(y=2),
    "do not fill the 24 columns": lambda board: panel(board, "stat")["gridPos"].update(w=1),
    "two panels have one id": lambda board: board["panels"][2].update(id=1),
    "no description in sentences": lambda board: panel(board, "stat").update(description="Figures"),
    "no unit": lambda board: panel(board, "stat")["fieldConfig"]["defaults"].pop("unit"),
    "does not use the data source variable": lambda board: panel(board, "stat")["targets"][0].update(datasource={"type": "prometheus", "uid": "abc"}),
    "should be instant": lambda board: panel(board, "table")["targets"][0].update(instant=False, range=True),
    "no long least interval": lambda board: panel(board, "timeseries").pop("interval"),
    "amounts without their currency": lambda board: panel(board, "bargauge").pop("repeat"),
    "does not name it in the title": lambda board: panel(board, "bargauge").update(title="Money"),
    "nothing is said about tax": lambda board: panel(board, "bargauge").update(description="What it costs in this currency."),
    "no such dashboard": lambda board: panel(board, "bargauge")["fieldConfig"]["defaults"]["links"][0].update(url="/d/ccaas-gone?x"),
    "fleet has no variable client": lambda board: panel(board, "bargauge")["fieldConfig"]["defaults"]["links"][0].update(url="/d/ccaas-fleet?var-client=x"),
    "the title is there twice": lambda board: panel(board, "table").update(title=panel(board, "stat")["title"]),
}


class Checks(unittest.TestCase):
    def test_good_dashboards_have_no_faults(self):
        self.assertEqual(check.faults(GOOD), [])

    def test_each_fault_is_found(self):
        for wanted, spoil in CASES.items():
            with self.subTest(wanted):
                boards = copy.deepcopy(GOOD)
                spoil(boards["fleet"])
                faults = check.faults_of("fleet", boards)
                self.assertTrue(any(wanted in fault for fault in faults), faults)


if __name__ == "__main__":
    unittest.main()
