import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { vi } from 'vitest'

/** An OpenID provider on this machine, at which every account signs in with any password. */
export interface OpenidProvider {
  readonly issuer: string
  close(): Promise<unknown>
}

/** @param callback where its one client, `countersign` with the secret `secret`, takes answers */
export async function startProvider(callback: string, profile: () => object): Promise<OpenidProvider> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // It warns of what a test may do.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'countersign', client_secret: 'secret', redirect_uris: [callback] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...profile() }) }),
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    ttl: { Interaction: 60, Session: 60, Grant: 60, AccessToken: 60, IdToken: 60 },
  })
  warn.mockRestore()
  const answer = provider.callback()
  server.on('request', (request, response) => void answer(request, response))
  return { issuer, close: () => new Promise(resolve => server.close(resolve)) }
}

/** Walks through the provider's own pages until it sends the browser back; the URL at `back` it is sent to. */
export async function throughPages(url: string, account: string, back: string): Promise<string> {
  const jar = new Map<string, string>()
  let next = new URL(url)
  let form: string | undefined
  for (let step = 0; step < 12; step++) {
    const response = await fetch(next, {
      redirect: 'manual',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    form = undefined
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    const page = await response.text()
    if (location !== null) {
      next = new URL(location, next)
      if (next.href.startsWith(back)) return next.href
      continue
    }
    next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', next)
    form = page.includes('name="login"') ? `prompt=login&login=${account}&password=x` : 'prompt=consent'
  }
  throw new Error('the provider does not redirect back')
}
