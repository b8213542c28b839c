package conclave.access_test

import data.conclave.access
import rego.v1

asked(action, roles, scopes) := decision if {
	decision := access.decision with input as {"action": action, "roles": roles, "scopes": scopes}
}

refused(decision, reasons) if {
	decision.allow == false
	{reason | some reason in decision.reasons} == reasons
}

test_names_action_and_text if {
	decision := asked("reviews:write", ["user"], null)
	decision.allow
	decision.action == "reviews:write"
	decision.revision == "conclave.access"
	decision.roles == ["user"]
}

test_no_role_nothing if {
	every action, _ in access.grants {
		every roles in [[], ["nobody"], [null], null, "user", "admin", {"admin": true}, 1] {
			refused(asked(action, roles, null), {"role_missing"})
		}
	}
}

test_no_known_action_nothing if {
	every action in ["", "reviews", "reviews:*", "reviews:delete", null, 1, [], {}] {
		decision := asked(action, ["admin", "user", "operator", "approver"], null)
		decision.allow == false
		"action_unknown" in decision.reasons
		decision.roles == []
	}
}

test_scopes_narrow if {
	asked("reviews:read", ["user"], ["reviews:read"]).allow
	refused(asked("reviews:write", ["user"], ["reviews:read"]), {"scope_missing"})
	refused(asked("alerts:read", ["user"], ["reviews:read"]), {"role_missing", "scope_missing"})
	every scopes in [[], "reviews:write", {"reviews:write": 1}, 1, false] {
		refused(asked("reviews:write", ["user"], scopes), {"scope_missing"})
	}
}

test_scopes_that_are_not_told if {
	decision := access.decision with input as {"action": "reviews:read", "roles": ["user"]}
	refused(decision, {"scope_missing"})
}

test_an_administrator_is_no_approver if {
	approvers := {action | some action, roles in access.grants; roles == {"approver"}}
	refused_to := {action | some action, _ in access.grants; not asked(action, ["admin"], null).allow}
	count(approvers) > 0
	refused_to == approvers
}

test_no_question if {
	every document in [{}, [], null, "x", 1, true] {
		decision := access.decision with input as document
		refused(decision, {"action_unknown", "role_missing", "scope_missing"})
	}
}
