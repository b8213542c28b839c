# Who has the token may ask, and put policies; anybody may ask whether the server is well.
package system.authz

import rego.v1

default allow := false

allow if {
	token := opa.runtime().env.CONCLAVE_OPA_TOKEN
	token != ""
	input.identity == token
}

allow if {
	input.method == "GET"
	input.path in [["health"], ["metrics"]]
}
