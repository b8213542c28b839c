package conclave.gate.strict_test

import data.conclave.gate.samples_test as samples
import data.conclave.gate.strict_policy
import rego.v1

changed(changes) := decision if {
	decision := strict_policy.decision with input as samples.changed(changes)
}

test_good if {
	samples.passed(changed({}))
	decision := changed({})
	decision.policy == "strict"
}

test_no_input if {
	decision := strict_policy.decision with input as {}
	decision.allow == false
	decision.outcome == "inconclusive"
}

test_each_missing if {
	every key in object.keys(samples.good) - {"accuracy_high", "error_rate_low", "cost_increase_low"} {
		absent := strict_policy.decision with input as samples.without(key)
		absent.allow == false
		absent.outcome == "inconclusive"
		count(absent.deny) > 0
	}
}

test_bounds_that_could_only_deny_may_be_missing if {
	samples.passed(changed({"accuracy_high": null, "error_rate_low": null, "cost_increase_low": null}))
}

test_each_no_number if {
	every key, _ in samples.good {
		every value in ["0.10", true, []] {
			decision := changed({key: value})
			decision.allow == false
			decision.outcome == "inconclusive"
		}
	}
}

bounds(key, low, value, high) := changed({
	key: value,
	concat("_", [key, "low"]): low,
	concat("_", [key, "high"]): high,
})

test_accuracy if {
	samples.passed(bounds("accuracy", 0.8500000000000001, 0.9, 0.95))
	samples.denied(bounds("accuracy", 0.85, 0.9, 0.95), "inconclusive", {"accuracy_unproven"})
	samples.denied(bounds("accuracy", 0.7, 0.8, 0.8500000000000001), "inconclusive", {"accuracy_unproven"})
	samples.denied(bounds("accuracy", 0.7, 0.8, 0.85), "fail", {"accuracy_below"})
}

test_error_rate if {
	samples.passed(bounds("error_rate", 0, 0.01, 0.049999999999999996))
	samples.denied(bounds("error_rate", 0, 0.01, 0.05), "inconclusive", {"error_rate_unproven"})
	samples.denied(bounds("error_rate", 0.049999999999999996, 0.07, 0.1), "inconclusive", {"error_rate_unproven"})
	samples.denied(bounds("error_rate", 0.05, 0.07, 0.1), "fail", {"error_rate_above"})
}

test_cost_increase if {
	samples.passed(bounds("cost_increase", -0.5, 0.1, 0.19999999999999998))
	samples.denied(bounds("cost_increase", 0.05, 0.1, 0.2), "inconclusive", {"cost_increase_unproven"})
	samples.denied(bounds("cost_increase", 0.19999999999999998, 0.3, 0.4), "inconclusive", {"cost_increase_unproven"})
	samples.denied(bounds("cost_increase", 0.2, 0.3, 0.4), "fail", {"cost_increase_above"})
	samples.denied(bounds("cost_increase", null, 0.3, 0.4), "inconclusive", {"cost_increase_unproven"})
}

test_what_was_free_needs_no_bounds if {
	free := {"cost_micro_usd": 0, "cost_increase": 0, "cost_increase_low": null, "cost_increase_high": null}
	samples.passed(changed(object.union(free, {"baseline_cost_micro_usd": 0})))
	samples.passed(changed(object.union(free, {"baseline_cost_micro_usd": null})))
	samples.denied(changed(free), "inconclusive", {"cost_increase_contradictory"})
}

test_too_few_samples_are_never_conclusive if {
	samples.denied(changed({"n": 99}), "inconclusive", {"too_few_samples"})
	bad := {"n": 99, "accuracy": 0.1, "accuracy_low": 0.05, "accuracy_high": 0.2}
	samples.denied(changed(bad), "inconclusive", {"too_few_samples", "accuracy_unproven"})
}

test_contradicting_bounds_prove_nothing if {
	every key in ["accuracy", "error_rate", "cost_increase"] {
		decision := bounds(key, 0.9, 0.5, 0.1)
		decision.allow == false
		decision.outcome == "inconclusive"
	}
}

test_reason if {
	decision := bounds("accuracy", 0.7, 0.75, 0.8)
	decision.deny == [{
		"id": "accuracy_below",
		"metric": "accuracy_high",
		"observed": 0.8,
		"bound": 0.85,
		"limit": "gt",
		"conclusive": true,
	}]
}
