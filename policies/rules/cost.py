"""What the stack costs against its budget. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from policies.model import Context, Finding, Level, Severity, Stack, StackRule
from pricing.bill import bill
from pricing.tables import priced_regions, prices
from pricing.topology import topology


def within_budget(stack: Stack, context: Context) -> Iterable[Finding]:
    budget = context.monthly_budget_usd
    if context.settings is None or budget is None:
        return
    table = prices(context.region)
    if table is None:
        yield Finding(
            f"there are no prices for the region {context.region or '(none)'}, so the budget can't be checked.",
            f"add its prices to pricing/data/prices.json, which has {', '.join(priced_regions())}, or remove "
            "policies:monthlyBudgetUsd.",
        )
        return
    monthly = bill(topology(context.settings), table).total
    if monthly > budget:
        yield Finding(
            f"the stack costs about {monthly:,.0f} USD a month at its pools' minimum, {monthly - budget:,.0f} over "
            f"its budget of {budget:,.0f} (list prices of {table.region}, {table.recorded}).",
            "choose smaller or fewer machines, network.nat single, or raise policies:monthlyBudgetUsd.",
        )


RULES = (
    StackRule(
        "cost-is-within-the-budget",
        "The stack stays within the budget in its stack file.",
        "availability is paid for by the hour, and the bill arrives when the month is over.",
        Severity.LOW,
        Level.ADVISORY,
        check=within_budget,
    ),
)
