# The same thresholds, asked of the 95 % confidence bounds: what passes was shown to be good, what fails to be bad.
package conclave.gate.strict_policy

import data.conclave.gate.facts
import rego.v1

met contains "samples" if facts.enough

met contains "accuracy" if {
	facts.number.accuracy >= 0
	facts.number.accuracy_low > facts.min_accuracy
}

met contains "error_rate" if {
	facts.number.error_rate >= 0
	facts.number.error_rate_high < facts.max_error_rate
}

met contains "cost_increase" if facts.free

met contains "cost_increase" if {
	facts.cost_comparable
	facts.number.cost_increase_high < facts.max_cost_increase
}

missed contains "accuracy" if {
	facts.conclusive
	facts.number.accuracy_high <= facts.min_accuracy
}

missed contains "error_rate" if {
	facts.conclusive
	facts.number.error_rate_low >= facts.max_error_rate
}

missed contains "cost_increase" if {
	facts.conclusive
	facts.cost_comparable
	facts.number.cost_increase_low >= facts.max_cost_increase
}

denials contains facts.denial("accuracy_below", "accuracy_high", facts.min_accuracy, "gt", true) if {
	"accuracy" in missed
}

denials contains facts.denial("error_rate_above", "error_rate_low", facts.max_error_rate, "lt", true) if {
	"error_rate" in missed
}

denials contains facts.denial("cost_increase_above", "cost_increase_low", facts.max_cost_increase, "lt", true) if {
	"cost_increase" in missed
}

# Neither shown to be good nor to be bad.
denials contains facts.denial("accuracy_unproven", "accuracy_low", facts.min_accuracy, "gt", false) if {
	facts.number.accuracy_low <= facts.min_accuracy
	not "accuracy" in missed
}

denials contains facts.denial("error_rate_unproven", "error_rate_high", facts.max_error_rate, "lt", false) if {
	facts.number.error_rate_high >= facts.max_error_rate
	not "error_rate" in missed
}

denials contains facts.denial("cost_increase_unproven", "cost_increase_high", facts.max_cost_increase, "lt", false) if {
	facts.cost_comparable
	facts.number.cost_increase_high >= facts.max_cost_increase
	not "cost_increase" in missed
}

# The bounds without which nothing can be shown; what was free needs none.
denials contains facts.unusable(key, "missing", key) if {
	some key in {"accuracy_low", "error_rate_high"}
	not facts.given(key)
}

denials contains facts.unusable(key, "missing", key) if {
	key := "cost_increase_high"
	facts.cost_comparable
	not facts.free
	not facts.given(key)
}

decision := facts.decision("strict", met, denials)
