function handler(skt)
  skt = copas.wrap(skt):dohandshake(sslparams)
  -- skt = copas.wrap(skt, sslparams):dohandshake() -- would be identical

  while true do
    -- perform the regular reading/writing ops on skt
  end
end
