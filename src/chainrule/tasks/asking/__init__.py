"""How events are answered: by enumeration, by a pool of draws, by draws within regions."""
