copas()
