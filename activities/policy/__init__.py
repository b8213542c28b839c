"""The policies of the gate and of access, in Rego, and the engines that evaluate them."""
