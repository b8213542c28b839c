# Who may do what. Whatever the question is, the answer has one shape, and what is not granted here is refused.
package conclave.access

import rego.v1

# In an engine this name ends in the hash of the text: ../policies.py puts it there.
revision := "conclave.access"

everybody := {"user", "operator", "approver"}

# An administrator may do all of it, but for what is an approver's alone: running the service is no say in what it runs.
grants := {
	"reviews:read": everybody,
	"reviews:write": {"user"},
	"providers:read": everybody,
	"providers:write": {"admin"},
	"providers:test": {"user"},
	"keys:read": everybody,
	"keys:write": {"user"},
	"keys:platform": {"admin"},
	"keys:rotate": {"admin"},
	"quotas:read": everybody,
	"quotas:read-all": {"admin"},
	"quotas:write": {"admin"},
	"usage:read": everybody,
	"usage:read-all": {"admin"},
	"alerts:read": {"admin"},
	"alerts:write": {"admin"},
	"datasets:read": everybody,
	"datasets:write": {"operator"},
	"experiments:read": everybody,
	"experiments:write": {"operator"},
	"comparisons:read": everybody,
	"comparisons:write": {"operator"},
	"trials:read": everybody,
	"trials:write": {"operator"},
	"promotions:read": everybody,
	"promotions:request": {"operator"},
	"promotions:decide": {"approver"},
	"promotions:withdraw": everybody,
	"promotions:withdraw-all": {"admin"},
	"versions:read": everybody,
	"versions:rollback": {"operator"},
	"blacklist:read": everybody,
	"blacklist:quarantine": {"operator"},
	"blacklist:release": {"approver"},
	"audit:read": {"operator", "approver"},
	"audit:checkpoint": {"operator"},
	"tokens:read": everybody,
	"tokens:write": everybody,
	"tokens:all": {"admin"},
}

default asked := null

asked := input.action

# Undefined for what is no known action.
granting := grants[input.action]

default known := false

known if count(granting) > 0

default granted := false

granted if {
	is_array(input.roles)
	some role in input.roles
	role in granting
}

granted if {
	is_array(input.roles)
	"admin" in input.roles
	some role in granting
	role != "approver"
}

# `null` is all that the roles may do; a question that does not say is not answered with yes.
default scoped := false

scoped if input.scopes == null

scoped if {
	is_array(input.scopes)
	input.action in input.scopes
}

reasons contains "action_unknown" if not known

reasons contains "role_missing" if not granted

reasons contains "scope_missing" if not scoped

default allow := false

allow if {
	known
	granted
	scoped
	count(reasons) == 0
}

roles := [role | some role in granting]

decision := {
	"allow": allow,
	"reasons": [reason | some reason in reasons],
	"roles": roles,
	"action": asked,
	"revision": revision,
}
