# What the application may do with OpenBao; the launcher of the local stack grants the same.
path "transit/datakey/plaintext/conclave-payloads" { capabilities = ["update"] }
path "transit/datakey/wrapped/conclave-payloads" { capabilities = ["update"] }
path "transit/decrypt/conclave-payloads" { capabilities = ["update"] }
path "transit/rewrap/conclave-payloads" { capabilities = ["update"] }
path "transit/datakey/plaintext/conclave-provider-keys" { capabilities = ["update"] }
path "transit/datakey/wrapped/conclave-provider-keys" { capabilities = ["update"] }
path "transit/decrypt/conclave-provider-keys" { capabilities = ["update"] }
path "transit/rewrap/conclave-provider-keys" { capabilities = ["update"] }
path "transit/sign/conclave-audit" { capabilities = ["update"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "transit/keys/conclave-audit" { capabilities = ["read"] }
path "auth/token/lookup-self" { capabilities = ["read"] }
