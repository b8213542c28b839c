# What every policy needs of the facts before it compares any of them.
#
# Rego orders values of different types (null < boolean < number < string), so `null < 0.05` and `"0.10" > 0.85` hold:
# a number is used only after it was found to be one, within its range.
package conclave.gate.facts

import rego.v1

# In an engine this name, and that of every package here, ends in the hash of the text: ../policies.py puts it there.
revision := "conclave.gate"

# The gate: more than the first, less than the others, of so many samples at least.
min_accuracy := 0.85

max_error_rate := 0.05

max_cost_increase := 0.2

min_samples := 100

max_samples := 1000000000

# Integers above it are not the same number in every engine: 2^53 - 1.
max_micro_usd := 9007199254740991

# Of bounds and the value between them, which were computed by different formulas.
rounding := 0.000000001

shares := {"accuracy", "accuracy_low", "accuracy_high", "error_rate", "error_rate_low", "error_rate_high"}

increases := {"cost_increase", "cost_increase_low", "cost_increase_high"}

totals := {"cost_micro_usd", "baseline_cost_micro_usd"}

known := ((shares | increases) | totals) | {"n"}

# As denials call them, where that is not the fact's own name.
names := {"n": "samples", "cost_micro_usd": "cost", "baseline_cost_micro_usd": "baseline"}

name(key) := object.get(names, key, key)

# The first of each pair is never above the second.
ordered := [
	["accuracy_low", "accuracy"],
	["accuracy", "accuracy_high"],
	["accuracy_low", "accuracy_high"],
	["error_rate_low", "error_rate"],
	["error_rate", "error_rate_high"],
	["error_rate_low", "error_rate_high"],
	["cost_increase_low", "cost_increase"],
	["cost_increase", "cost_increase_high"],
	["cost_increase_low", "cost_increase_high"],
]

given(key) if input[key] != null

# The facts that can be relied on.
number[key] := value if {
	some key in shares
	value := input[key]
	number_within(value, 0, 1)
}

number[key] := value if {
	some key in increases
	value := input[key]
	is_number(value)
	value >= -1
}

number[key] := value if {
	some key in totals
	value := input[key]
	whole_within(value, max_micro_usd)
}

number[key] := value if {
	key := "n"
	value := input[key]
	whole_within(value, max_samples)
}

number_within(value, least, most) if {
	is_number(value)
	value >= least
	value <= most
}

whole_within(value, most) if {
	number_within(value, 0, most)
	floor(value) == value
}

enough if number.n >= min_samples

# Whether a number that misses its threshold proves anything: of few samples it may be chance, and of facts that cannot
# be so it may be a defect.
default conclusive := false

conclusive if {
	enough
	count(defects) == 0
}

# Nothing was paid, so there is no increase whatever the baseline is, unless it was paid for.
free if {
	number.cost_micro_usd == 0
	number.cost_increase == 0
	not paid_baseline
}

paid_baseline if number.baseline_cost_micro_usd > 0

# An increase over nothing is no number.
baseline_zero if {
	number.baseline_cost_micro_usd == 0
	number.cost_micro_usd > 0
}

cost_comparable if free

cost_comparable if {
	paid_baseline
	sign(number.cost_increase) == sign(number.cost_micro_usd - number.baseline_cost_micro_usd)
}

sign(value) := -1 if value < 0

sign(value) := 0 if value == 0

sign(value) := 1 if value > 0

required := {"n", "accuracy", "error_rate", "cost_micro_usd"}

# Facts that cannot be so.
defects contains unusable(name(key), "invalid", key) if {
	some key in known
	given(key)
	not key in object.keys(number)
}

defects contains unusable(name(upper), "contradictory", lower) if {
	some [lower, upper] in ordered
	number[lower] > number[upper] + rounding
}

defects contains unusable("cost_increase", "contradictory", "cost_increase") if {
	number.cost_increase >= -1
	number.cost_micro_usd >= 0
	number.baseline_cost_micro_usd >= 0
	not baseline_zero
	not cost_comparable
}

# Facts that are not there, or not enough of them.
gaps contains unusable(name(key), "missing", key) if {
	some key in required
	not given(key)
}

gaps contains denial("too_few_samples", "n", min_samples, "ge", false) if number.n < min_samples

gaps contains unusable("baseline", "missing", "baseline_cost_micro_usd") if {
	not given("baseline_cost_micro_usd")
	not free
}

gaps contains unusable("baseline", "zero", "baseline_cost_micro_usd") if baseline_zero

gaps contains unusable("cost_increase", "missing", "cost_increase") if {
	not given("cost_increase")
	given("baseline_cost_micro_usd")
	not baseline_zero
}

# Undefined where there is no such fact.
denial(id, metric, bound, limit, conclusive) := reason(id, metric, number[metric], bound, limit, conclusive)

# Never conclusive: nothing was measured that is too bad.
unusable(subject, what, key) := reason(concat("_", [subject, what]), key, null, null, "none", false)

reason(id, metric, observed, bound, limit, conclusive) := {
	"id": id,
	"metric": metric,
	"observed": observed,
	"bound": bound,
	"limit": limit,
	"conclusive": conclusive,
}

# The answer of a policy: what it requires must be met by name, so that a rule that is undefined allows nothing.
decision(policy, met, found) := answer(policy, "pass", []) if {
	met == {"samples", "accuracy", "error_rate", "cost_increase"}
	count(found) == 0
	count(defects | gaps) == 0
}

else := answer(policy, "fail", reasons(found)) if {
	some reason in found
	reason.conclusive == true
}

else := answer(policy, "inconclusive", reasons(found))

reasons(found) := [reason | some reason in ((found | defects) | gaps)]

answer(policy, outcome, reasons) := {
	"allow": outcome == "pass",
	"outcome": outcome,
	"deny": reasons,
	"policy": policy,
	"revision": revision,
}
