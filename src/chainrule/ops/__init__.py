"""The arithmetic that costs time, as pure functions of tensors."""
