import { type Report, shown, table } from '@countersign/fetch'
import { AAuthError, type AgentAuth, parseAgentAuth } from '@countersign/protocol'
import { type InspectSettings, inspectToken } from './token.js'

/** What the agent has to do next. */
function demandOf(challenge: AgentAuth): string {
  if (challenge.userInteraction !== undefined) return 'send your user to the page named, then repeat the request'
  if (challenge.authToken) return 'get an auth token for the resource token from the auth server named'
  if (challenge.identity) return 'say who you are: sign with jwks_uri or an agent token'
  return 'sign the request, with a key of any kind'
}

function originOf(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/…` : 'not a URL'
}

/** Says what an `Agent-Auth` header value asks for, and what is in its resource token. */
export async function inspectChallenge(value: string, settings: InspectSettings): Promise<Report> {
  let challenge: AgentAuth
  try {
    challenge = parseAgentAuth(value)
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return {
      ok: false,
      lines: ['challenge (Agent-Auth)', `verdict: malformed: ${error.description}`],
      json: { kind: 'challenge', ok: false, error: error.code, error_description: error.description },
    }
  }
  const { resourceToken, authServer, userInteraction, algs } = challenge
  const token = resourceToken === undefined ? undefined : await inspectToken(resourceToken, settings)
  const mismatch = authServer !== undefined && claimOf(token?.json, 'aud') !== authServer
  const ok = (token?.ok ?? true) && !mismatch
  const rows = [
    ['asks you to', demandOf(challenge)],
    ...(authServer === undefined ? [] : [['auth server', shown(authServer)]]),
    // A link for one user: whoever sees it could open it.
    ...(userInteraction === undefined ? [] : [['page', shown(originOf(userInteraction))]]),
    ...(algs === undefined ? [] : [['algorithms', shown(algs.join(' '))]]),
  ]
  const verdict = mismatch
    ? 'wrong: auth_server is not the aud of the resource token'
    : token?.ok === false
      ? 'wrong: its resource token is, see above'
      : 'well-formed'
  return {
    ok,
    lines: [
      'challenge (Agent-Auth)',
      ...table(rows),
      ...(token === undefined ? [] : ['', ...token.lines, '']),
      `verdict${token === undefined ? '' : ' on the challenge'}: ${verdict}`,
    ],
    json: {
      kind: 'challenge',
      ok,
      identity: challenge.identity ?? false,
      auth_token: challenge.authToken ?? false,
      ...(authServer !== undefined && { auth_server: authServer }),
      ...(userInteraction !== undefined && { user_interaction: originOf(userInteraction) }),
      ...(algs !== undefined && { algs }),
      ...(token !== undefined && { resource_token: token.json }),
    },
  }
}

function claimOf(json: Report['json'] | undefined, name: string): unknown {
  const claims = json?.['claims']
  return typeof claims === 'object' && claims !== null
    ? Object.entries(claims).find(([key]) => key === name)?.[1]
    : undefined
}
