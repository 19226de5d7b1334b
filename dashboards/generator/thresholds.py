"""The limits of colours: those of the alerts, read from the file in which the alerts have them."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

DEFAULTS = yaml.safe_load((Path(__file__).parent.parent / "thresholds.yml").read_text("utf-8"))
FAIR_USE, CLIENTS, BILLING = DEFAULTS["fair_use"], DEFAULTS["clients"], DEFAULTS["billing"]
TALKDESK, EXPORTER = DEFAULTS["talkdesk"], DEFAULTS["exporter"]


@dataclass(frozen=True)
class Steps:
    """A base colour and the values from which other colours hold."""

    base: str
    limits: tuple[tuple[float, str], ...] = ()

    def build(self):
        steps = [model.Threshold(color=self.base, value=None)]
        steps += [model.Threshold(color=color, value=value) for value, color in self.limits]
        return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def above(critical: float, warning: float | None = None) -> Steps:
    """More is worse."""
    return Steps("green", (*([(warning, "orange")] if warning is not None else []), (critical, "red")))


def below(critical: float) -> Steps:
    """Less is worse."""
    return Steps("red", ((critical, "green"),))


ALLOWANCE = above(FAIR_USE["forecast_ratio"], warning=FAIR_USE["nearly_used_ratio"])
OVERAGE_FORECAST = above(FAIR_USE["overage_amount"])
OVERAGE_ACCRUED = above(BILLING["overage_amount"])
COMMIT_USED = above(BILLING["commit_used_ratio"])
PREPAY_USED = above(BILLING["prepay_used_ratio"])
WALLET_LEFT = below(BILLING["wallet_left_ratio"])
CONTRACT_DAYS_LEFT = below(BILLING["contract_end_days"])
UNPAID_DAYS = above(BILLING["invoice_unpaid_days"])
RECONCILED = Steps("red", ((1 - BILLING["reconcile_ratio"], "green"), (1 + BILLING["reconcile_ratio"], "red")))
TALKDESK_FORECAST = above(TALKDESK["forecast_ratio"])
REFRESHES = above(EXPORTER["stale_refreshes"])
FOLDED = above(EXPORTER["folded_ratio"])
SELF_USAGE = above(EXPORTER["self_usage_ratio"])
NONE_IS_GOOD = above(1)
ONE_IS_GOOD = below(1)
