storage "raft" {
  path    = "/openbao/file"
  node_id = "conclave"
}

# Plain HTTP stays inside the compose network and on the host's loopback.
listener "tcp" {
  address     = "0.0.0.0:8200"
  tls_disable = true
}

api_addr      = "http://openbao:8200"
cluster_addr  = "http://openbao:8201"
max_lease_ttl = "8760h"
