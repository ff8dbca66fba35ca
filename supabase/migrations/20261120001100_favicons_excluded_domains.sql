-- The mail providers that all workspaces exclude: their favicon is no company's logo.

insert into public.favicons_excluded_domains (domain)
values
  ('aol.com'), ('bluewin.ch'), ('btinternet.com'), ('comcast.net'), ('cox.net'), ('daum.net'),
  ('email.cz'), ('fastmail.com'), ('free.fr'), ('gmail.com'), ('gmx.at'), ('gmx.ch'), ('gmx.com'),
  ('gmx.de'), ('gmx.net'), ('googlemail.com'), ('hey.com'), ('hotmail.co.uk'), ('hotmail.com'),
  ('hotmail.fr'), ('icloud.com'), ('laposte.net'), ('libero.it'), ('live.com'), ('mac.com'),
  ('mail.com'), ('mail.ru'), ('mailbox.org'), ('me.com'), ('msn.com'), ('naver.com'),
  ('orange.fr'), ('outlook.com'), ('outlook.fr'), ('posteo.de'), ('proton.me'),
  ('protonmail.com'), ('qq.com'), ('seznam.cz'), ('sfr.fr'), ('t-online.de'), ('tutanota.com'),
  ('verizon.net'), ('wanadoo.fr'), ('web.de'), ('wp.pl'), ('yahoo.co.jp'), ('yahoo.co.uk'),
  ('yahoo.com'), ('yahoo.fr'), ('yandex.com'), ('yandex.ru'), ('zoho.com'), ('126.com'),
  ('163.com')
on conflict do nothing;
