# Facts that pass both policies, and what the tests ask about changes of them.
package conclave.gate.samples_test

import rego.v1

good := {
	"n": 200,
	"accuracy": 0.93,
	"accuracy_low": 0.89,
	"accuracy_high": 0.96,
	"error_rate": 0.005,
	"error_rate_low": 0.0002,
	"error_rate_high": 0.024,
	"cost_micro_usd": 1100,
	"baseline_cost_micro_usd": 1000,
	"cost_increase": 0.1,
	"cost_increase_low": 0.07,
	"cost_increase_high": 0.14,
}

changed(changes) := object.union(good, changes)

without(key) := object.remove(good, {key})

# No number: each kind of value that Rego would compare with one all the same.
no_numbers := ["0.10", "NaN", "", true, false, [], [0.9], {}, {"value": 0.9}]

ids(decision) := {reason.id | some reason in decision.deny}

denied(decision, outcome, expected) if {
	decision.allow == false
	decision.outcome == outcome
	ids(decision) == expected
}

passed(decision) if {
	decision.allow == true
	decision.outcome == "pass"
	decision.deny == []
}
