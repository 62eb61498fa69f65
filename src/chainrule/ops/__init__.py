"""The expensive arithmetic, as pure functions of tensors."""
