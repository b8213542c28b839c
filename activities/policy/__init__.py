"""The gate's policies, in Rego, and the engines that evaluate them."""
