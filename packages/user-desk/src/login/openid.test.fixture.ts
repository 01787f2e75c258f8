import { openidProvider } from '@countersign/testing/openid-provider'
import { decideAtProvider } from '@countersign/testing/provider-visit'

/** An OpenID provider on this machine, at which every account signs in with any password. */
export interface SignInProvider {
  readonly issuer: string
  close(): Promise<unknown>
}

/** @param redirectUri where its one client, `countersign` with the secret `secret`, takes answers */
export async function startProvider(redirectUri: string, profile: () => object): Promise<SignInProvider> {
  const claims = { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] }
  const { issuer, server, answer } = await openidProvider({ redirectUri, profile, configuration: { claims } })
  server.on('request', answer)
  return { issuer, close: () => new Promise(resolve => server.close(resolve)) }
}

/** Walks through the provider's own pages until it sends the browser back; the URL at `back` it is sent to. */
export function throughPages(url: string, account: string, back: string): Promise<string> {
  return decideAtProvider(url, { account, redirectUri: back })
}
