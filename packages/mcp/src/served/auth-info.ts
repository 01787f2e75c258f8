import type { Guarded } from '@countersign/resource'
import type { AuthInfo } from '@modelcontextprotocol/server'

/** The caller in the form of the SDK, without a token: a handler could leak it. */
export function authInfoOf(aauth: Guarded): AuthInfo {
  return {
    token: '',
    clientId: aauth.agent ?? aauth.key ?? '',
    scopes: [...aauth.scope],
    ...(aauth.expires === undefined ? {} : { expiresAt: aauth.expires }),
    extra: { aauth },
  }
}
