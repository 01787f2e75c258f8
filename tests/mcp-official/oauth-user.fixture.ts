import {
  ClientCredentialsProvider,
  DpopSession,
  type OAuthClientProvider,
  PrivateKeyJwtProvider,
  UnauthorizedError,
} from '@modelcontextprotocol/client'

// OAuth as the MCP SDK does it, for a user who agrees at once, or for a service that has no user.

/** What a scenario tells of a client that the authorization server knows already. */
export interface Registered {
  readonly client_id: string
  readonly client_secret: string
  readonly private_key_pem: string
  readonly signing_algorithm: string
}

/** A client of OAuth, and the answer of the authorization server that waits for it. */
export interface OAuthUser {
  readonly provider: OAuthClientProvider
  /** What the user was sent back with, once. */
  answer(): URLSearchParams | undefined
}

/** The client that a scenario asks for. */
export function oauthUser(scenario: string, registered: Registered): OAuthUser {
  const { client_id: clientId, client_secret: clientSecret } = registered
  switch (scenario) {
    case 'auth/client-credentials-basic':
      return { provider: new ClientCredentialsProvider({ clientId, clientSecret }), answer: () => undefined }
    case 'auth/client-credentials-jwt': {
      const { private_key_pem: privateKey, signing_algorithm: algorithm } = registered
      return { provider: new PrivateKeyJwtProvider({ clientId, privateKey, algorithm }), answer: () => undefined }
    }
    case 'auth/pre-registration':
      return readyUser({ known: registered })
    case 'auth/dpop':
    case 'auth/dpop-nonce':
      return readyUser({ dpop: DpopSession.create() })
    default:
      return readyUser({})
  }
}

type Client = Awaited<ReturnType<OAuthClientProvider['clientInformation']>>
type Tokens = Awaited<ReturnType<OAuthClientProvider['tokens']>>
type Discovery = Awaited<ReturnType<NonNullable<OAuthClientProvider['discoveryState']>>>

/** What a client keeps. */
interface Kept {
  client: Client
  /** The authorization server that gave it. */
  issuer: string | undefined
  tokens: Tokens
  verifier: string
  discovery: Discovery
  answer: URLSearchParams | undefined
}

const redirectUrl = 'http://localhost:1/callback'

interface Ready {
  readonly known?: Registered
  readonly dpop?: Promise<DpopSession>
}

function readyUser({ known, dpop }: Ready): OAuthUser {
  const kept: Kept = {
    client: known,
    issuer: undefined,
    tokens: undefined,
    verifier: '',
    discovery: undefined,
    answer: undefined,
  }
  const isOf = (issuer: string | undefined): boolean => kept.issuer === undefined || kept.issuer === issuer
  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    clientMetadata: {
      client_name: 'countersign-official',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
    },
    // What one authorization server gave is not for another.
    clientInformation: context => (isOf(context?.issuer) ? kept.client : undefined),
    saveClientInformation: (client, context) => void Object.assign(kept, { client, issuer: context?.issuer }),
    tokens: context => (context === undefined || isOf(context.issuer) ? kept.tokens : undefined),
    // By the next refusal, the server may want tokens of another authorization server.
    saveTokens: tokens => void Object.assign(kept, { tokens, discovery: undefined }),
    saveCodeVerifier: verifier => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept.verifier,
    saveDiscoveryState: discovery => void Object.assign(kept, { discovery }),
    discoveryState: () => kept.discovery,
    async redirectToAuthorization(url) {
      const { headers } = await fetch(url, { redirect: 'manual' })
      kept.answer = new URL(headers.get('location') ?? '', url).searchParams
    },
    ...(dpop === undefined ? {} : { dpop: () => dpop }),
  }
  return {
    provider,
    answer() {
      const { answer } = kept
      kept.answer = undefined
      return answer
    },
  }
}

/** How often a user may agree to one request. */
const patience = 2

/**
 * Runs what needs a token, and runs it again when the user has agreed.
 * @param finish redeems the answer of the authorization server
 */
export async function withConsent<T>(
  user: OAuthUser,
  finish: (answer: URLSearchParams) => Promise<void>,
  run: () => Promise<T>,
): Promise<T> {
  for (let agreed = 0; ; agreed++) {
    try {
      return await run()
    } catch (error) {
      const answer = isUnauthorized(error) && agreed < patience ? user.answer() : undefined
      if (answer === undefined) throw error
      await finish(answer)
    }
  }
}

function isUnauthorized(error: unknown): boolean {
  if (error instanceof UnauthorizedError) return true
  return error instanceof Error && error.cause !== undefined && isUnauthorized(error.cause)
}
