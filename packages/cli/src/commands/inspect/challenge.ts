import { type Report, shown, table } from '@countersign/fetch/internal'
import { AAuthError, type AgentAuth, parseAgentAuth } from '@countersign/protocol'
import { defined } from '../../flags/defined.js'
import { fixLines, refusalWords } from './refusal.js'
import { type InspectSettings, inspectToken } from './token.js'

/** What the agent must do next. */
function stepOf(challenge: AgentAuth): string {
  if (challenge.userInteraction !== undefined) return 'send your user to the page, then repeat the request'
  if (challenge.authToken) return 'get an auth token from the auth server, with the resource token'
  if (challenge.identity) return 'identify yourself: sign with jwks_uri or an agent token'
  return 'sign the request, with any key'
}

function originOf(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/…` : 'not a URL'
}

/** Explains an `Agent-Auth` header value, and its resource token. */
export async function inspectChallenge(value: string, settings: InspectSettings): Promise<Report> {
  let challenge: AgentAuth
  try {
    challenge = parseAgentAuth(value)
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    return {
      ok: false,
      lines: ['challenge (Agent-Auth)', `verdict: ${refusalWords('malformed', error)}`, ...fixLines(error)],
      json: {
        kind: 'challenge',
        ok: false,
        error: error.code,
        reason: error.reason,
        error_description: error.description,
      },
    }
  }
  const { resourceToken, authServer, userInteraction, algs } = challenge
  const token = resourceToken === undefined ? undefined : await inspectToken(resourceToken, settings)
  const mismatch = authServer !== undefined && claimOf(token?.json, 'aud') !== authServer
  const ok = (token?.ok ?? true) && !mismatch
  const rows = [
    ['asks you to', stepOf(challenge)],
    ...(authServer === undefined ? [] : [['auth server', shown(authServer)]]),
    // Only the origin: the link is for one user, and works for anyone who opens it.
    ...(userInteraction === undefined ? [] : [['page', shown(originOf(userInteraction))]]),
    ...(algs === undefined ? [] : [['algorithms', shown(algs.join(' '))]]),
  ]
  const verdict = mismatch
    ? 'wrong: auth_server is not the aud of the resource token'
    : token?.ok === false
      ? 'wrong: its resource token is wrong, see above'
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
      ...defined({
        auth_server: authServer,
        user_interaction: userInteraction && originOf(userInteraction),
        algs,
        resource_token: token?.json,
      }),
    },
  }
}

function claimOf(json: Report['json'] | undefined, name: string): unknown {
  const claims = json?.['claims']
  return typeof claims === 'object' && claims !== null
    ? Object.entries(claims).find(([key]) => key === name)?.[1]
    : undefined
}
