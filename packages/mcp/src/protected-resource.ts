import type { ReceivedMessage } from '@countersign/httpsig'
import type { Cors } from '@countersign/protocol'
import { answerRoute, documentResponse, each, type OptionChecks, type Route } from '@countersign/protocol/internal'
import { type Bearer, type BearerVerifier, bearer } from '@countersign/resource'

/** How OAuth clients are accepted beside agents, as the MCP authorization specification says. */
export interface McpOAuth {
  /** Issuers of the access tokens. */
  readonly authorizationServers: readonly string[]
  /**
   * Verifies an access token: signature or introspection, issuer, **audience** (the endpoint's URL), times. The `iss` of its user must be
   * one of `authorizationServers`, exactly.
   */
  readonly verify: BearerVerifier
}

/** The members of the option `oauth`. */
export const oauthChecks: OptionChecks<McpOAuth> = { authorizationServers: each('string'), verify: 'function' }

/** The metadata of one endpoint for OAuth clients, and its verifier. */
export interface ProtectedResource {
  readonly alsoAccept: Bearer
  /** Where the metadata is served. */
  readonly paths: readonly string[]
  answer(message: ReceivedMessage): Promise<Response>
}

const wellKnown = '/.well-known/oauth-protected-resource'

/** Refuses the tokens of other issuers, also those that a verifier takes: clients are told whose tokens are accepted here. */
function ofListed(verify: BearerVerifier, issuers: readonly string[]): BearerVerifier {
  return async (token, request) => {
    const facts = await verify(token, request)
    return facts?.user === undefined || issuers.includes(facts.user.iss) ? facts : undefined
  }
}

/**
 * @param o.endpoint the URL that access tokens are for
 * @throws TypeError for an issuer that is not a URL
 * @see RFC 9728, https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
 */
export function protectedResource(
  { authorizationServers, verify }: McpOAuth,
  o: { readonly endpoint: string; readonly scopes: readonly string[]; readonly cors: Cors | undefined },
): ProtectedResource {
  for (const issuer of authorizationServers)
    if (!URL.canParse(issuer)) throw new TypeError('authorizationServers are URLs such as https://accounts.example')
  const { origin, pathname } = new URL(o.endpoint)
  const path = `${wellKnown}${pathname}`
  const document = {
    resource: o.endpoint,
    authorization_servers: [...authorizationServers],
    scopes_supported: [...o.scopes],
    bearer_methods_supported: ['header'],
  }
  const route: Route = { methods: ['GET', 'HEAD'], answer: () => documentResponse(document) }
  // bound: fixed
  const routes = new Map([path, wellKnown].map(at => [at, route]))
  return {
    alsoAccept: bearer(ofListed(verify, authorizationServers), { resourceMetadata: `${origin}${path}` }),
    paths: [...routes.keys()],
    async answer(message) {
      const response = o.cors?.preflight(message) ?? (await answerRoute(message, routes))
      o.cors?.expose(message, response.headers)
      return response
    },
  }
}
