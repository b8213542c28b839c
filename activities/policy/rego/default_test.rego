package conclave.gate.default_test

import data.conclave.gate.default_policy
import data.conclave.gate.samples_test as samples
import rego.v1

changed(changes) := decision if {
	decision := default_policy.decision with input as samples.changed(changes)
}

test_good if samples.passed(changed({}))

test_names_policy_and_text if {
	decision := changed({})
	decision.policy == "default"
	decision.revision == "conclave.gate"
}

test_unknown_keys_change_nothing if samples.passed(changed({"allow": false, "deny": ["no"], "accuracy ": 0}))

test_bounds_are_not_needed if {
	samples.passed(changed({"accuracy_low": null, "error_rate_high": null, "cost_increase_high": null}))
}

test_no_input if {
	every document in [{}, [], null, "x", 1, true] {
		decision := default_policy.decision with input as document
		samples.denied(decision, "inconclusive", missing)
	}
}

missing := {"samples_missing", "accuracy_missing", "error_rate_missing", "cost_missing", "baseline_missing"}

test_each_missing if {
	every key, id in {
		"n": "samples_missing",
		"accuracy": "accuracy_missing",
		"error_rate": "error_rate_missing",
		"cost_micro_usd": "cost_missing",
		"baseline_cost_micro_usd": "baseline_missing",
		"cost_increase": "cost_increase_missing",
	} {
		absent := default_policy.decision with input as samples.without(key)
		samples.denied(absent, "inconclusive", {id})
		samples.denied(changed({key: null}), "inconclusive", {id})
	}
}

test_each_no_number if {
	every key, id in {
		"n": "samples_invalid",
		"accuracy": "accuracy_invalid",
		"error_rate": "error_rate_invalid",
		"cost_micro_usd": "cost_invalid",
		"baseline_cost_micro_usd": "baseline_invalid",
		"cost_increase": "cost_increase_invalid",
		"accuracy_low": "accuracy_low_invalid",
	} {
		every value in samples.no_numbers {
			samples.denied(changed({key: value}), "inconclusive", {id})
		}
	}
}

test_each_out_of_range if {
	every id, changes in {
		"samples_invalid": [{"n": -1}, {"n": 150.5}, {"n": 1e308}],
		"accuracy_invalid": [{"accuracy": -1}, {"accuracy": 1.1}, {"accuracy": 93}],
		"error_rate_invalid": [{"error_rate": -1}, {"error_rate": 1e308}],
		"cost_invalid": [{"cost_micro_usd": -1100}, {"cost_micro_usd": 1100.5}, {"cost_micro_usd": 1e308}],
		"baseline_invalid": [{"baseline_cost_micro_usd": -1}, {"baseline_cost_micro_usd": 1e308}],
		"cost_increase_invalid": [{"cost_increase": -1.1}],
	} {
		every change in changes {
			samples.denied(changed(change), "inconclusive", {id})
		}
	}
}

plain(key, value) := changed({key: value, concat("_", [key, "low"]): null, concat("_", [key, "high"]): null})

test_accuracy_at_and_beside_its_threshold if {
	samples.passed(plain("accuracy", 0.8500000000000001))
	every value in [0.85, 0.8499999999999999, 0.1, 0] {
		samples.denied(plain("accuracy", value), "fail", {"accuracy_below"})
	}
}

test_error_rate_at_and_beside_its_threshold if {
	samples.passed(plain("error_rate", 0))
	samples.passed(plain("error_rate", 0.049999999999999996))
	every value in [0.05, 0.05000000000000001, 1] {
		samples.denied(plain("error_rate", value), "fail", {"error_rate_above"})
	}
}

cost(baseline, now, increase) := changed({
	"baseline_cost_micro_usd": baseline,
	"cost_micro_usd": now,
	"cost_increase": increase,
	"cost_increase_low": null,
	"cost_increase_high": null,
})

test_cost_at_and_beside_its_threshold if {
	samples.passed(cost(1000, 1199, 0.199))
	samples.passed(cost(1000, 1000, 0))
	samples.passed(cost(1000, 0, -1))
	samples.denied(cost(1000, 1200, 0.2), "fail", {"cost_increase_above"})
	samples.denied(cost(1, 9007199254740991, 9007199254740990), "fail", {"cost_increase_above"})
	samples.denied(cost(1, 2, 1e308), "fail", {"cost_increase_above"})
}

test_cost_without_a_baseline if {
	samples.passed(cost(null, 0, 0))
	samples.passed(cost(0, 0, 0))
	samples.denied(cost(null, 5, null), "inconclusive", {"baseline_missing"})
	samples.denied(cost(null, 5, 0), "inconclusive", {"baseline_missing"})
	samples.denied(cost(null, 0, null), "inconclusive", {"baseline_missing"})
	samples.denied(cost(0, 5, null), "inconclusive", {"baseline_zero"})
	samples.denied(cost(0, 5, 0.1), "inconclusive", {"baseline_zero"})
	samples.denied(cost(0, 0, null), "inconclusive", {"cost_increase_missing"})
}

test_cost_that_contradicts_its_totals if {
	contradictory := {"cost_increase_contradictory"}
	samples.denied(cost(1000, 2000, 0), "inconclusive", contradictory)
	samples.denied(cost(1000, 2000, -0.5), "inconclusive", contradictory)
	samples.denied(cost(1000, 1000, 0.1), "inconclusive", contradictory)
	samples.denied(cost(1000, 500, 0.1), "inconclusive", contradictory)
	samples.denied(cost(0, 0, 0.1), "inconclusive", contradictory)
}

test_too_few_samples_are_never_conclusive if {
	samples.passed(changed({"n": 100}))
	samples.passed(changed({"n": 101}))
	samples.denied(changed({"n": 99}), "inconclusive", {"too_few_samples"})
	samples.denied(changed({"n": 0}), "inconclusive", {"too_few_samples"})
	few := {"n": 99, "accuracy": 0.1, "accuracy_low": null}
	samples.denied(changed(few), "inconclusive", {"too_few_samples", "accuracy_below"})
}

test_contradicting_bounds if {
	bounds := {"accuracy_low": 0.96, "accuracy_high": 0.89}
	samples.denied(changed(bounds), "inconclusive", {"accuracy_contradictory", "accuracy_high_contradictory"})
	samples.denied(changed({"accuracy": 0.99}), "inconclusive", {"accuracy_high_contradictory"})
}

test_defects_prove_nothing if {
	defective := {"accuracy": 0.1, "accuracy_low": null, "error_rate": "0.01"}
	samples.denied(changed(defective), "inconclusive", {"accuracy_below", "error_rate_invalid"})
}

test_one_threshold_missed_is_a_failure_whatever_else_is_missing if {
	missed := {"accuracy": 0.5, "accuracy_low": null, "baseline_cost_micro_usd": null}
	samples.denied(changed(missed), "fail", {"accuracy_below", "baseline_missing"})
}

test_reason if {
	decision := changed({"accuracy": 0.5, "accuracy_low": null})
	decision.deny == [{
		"id": "accuracy_below",
		"metric": "accuracy",
		"observed": 0.5,
		"bound": 0.85,
		"limit": "gt",
		"conclusive": true,
	}]
}
