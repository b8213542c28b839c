# The literal thresholds, asked of the numbers as they were measured.
package conclave.gate.default_policy

import data.conclave.gate.facts
import rego.v1

met contains "samples" if facts.enough

met contains "accuracy" if facts.number.accuracy > facts.min_accuracy

met contains "error_rate" if facts.number.error_rate < facts.max_error_rate

met contains "cost_increase" if {
	facts.cost_comparable
	facts.number.cost_increase < facts.max_cost_increase
}

denials contains facts.denial("accuracy_below", "accuracy", facts.min_accuracy, "gt", facts.conclusive) if {
	not "accuracy" in met
}

denials contains facts.denial("error_rate_above", "error_rate", facts.max_error_rate, "lt", facts.conclusive) if {
	not "error_rate" in met
}

denials contains facts.denial("cost_increase_above", metric, facts.max_cost_increase, "lt", facts.conclusive) if {
	metric := "cost_increase"
	facts.cost_comparable
	not metric in met
}

decision := facts.decision("default", met, denials)
