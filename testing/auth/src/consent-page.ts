import type { ConsentView } from '@countersign/user-desk/internal'

/** An ordinary request. */
export const ordinary: ConsentView = {
  csrf: 'csrf-token',
  action: '/agent/authorize',
  hidden: { request_token: 'request-token' },
  returnTo: '/agent/authorize?request_token=request-token',
  user: { sub: 'u1', claims: { name: 'Ada Lovelace', email: 'ada@demo.example' } },
  agent: {
    id: 'https://assistant.example',
    name: 'Calendar Helper',
    homepage: 'https://assistant.example/about',
    policy_uri: 'https://assistant.example/privacy',
    tos_uri: 'https://legal.example/terms',
  },
  delegate: 'phone',
  resource: 'https://calendar.example',
  scopes: [
    { name: 'events.read', description: 'See your events' },
    { name: 'events.write', description: 'Change your events' },
  ],
  identity: [{ name: 'openid', optional: false }, { name: 'email' }],
  purpose: 'To find a free hour.',
  way: { type: 'web', redirect_uri: 'https://assistant.example/callback' },
}

/** What strangers may try in every text of theirs. */
export const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><script>alert(1)</script>',
  '</bdi></blockquote></section><h1>Checked</h1>',
  '<!--',
  ']]><svg/onload=alert(1)>',
  '&lt;script&gt;&#x3c;script>',
  '{{7*7}} $' + '{7*7} <%= 7*7 %>',
  'javascript:alert(1)',
]

/** A page without what stands between its tags and in its attributes. */
export function structureOf(html: string): string[] {
  return [...html.matchAll(/<(?:!--|\/?[a-z][^\s>]*)(?:\s+[a-z-]+(?:="[^"]*")?)*\s*\/?>/gi)].map(([tag]) =>
    tag.replaceAll(/="[^"]*"/g, '=""'),
  )
}

/** The text a reader sees. */
export function textOf(html: string): string {
  return html
    .replace(/<style>.*?<\/style>/s, '')
    .replaceAll('<wbr/>', '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
}
