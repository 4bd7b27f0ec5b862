"""Every op: its forward, its rule and its public function, in one place each."""
