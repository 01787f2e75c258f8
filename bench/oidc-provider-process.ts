import { generateKeyPairSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { PublicJwk } from '@countersign/httpsig'
import Provider from 'oidc-provider'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process. */
export interface OidcProviderOrder {
  readonly client: PublicJwk
}

// The nearest thing to a direct grant that it offers: client_credentials by private_key_jwt, a JWT bound by DPoP, all Ed25519, all in memory.
async function run({ client }: OidcProviderOrder): Promise<number> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const provider = new Provider('https://auth.example', {
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'a1', alg: 'EdDSA', use: 'sig' }] },
    clients: [
      {
        client_id: 'agent',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'private_key_jwt',
        id_token_signed_response_alg: 'EdDSA',
        token_endpoint_auth_signing_alg: 'EdDSA',
        jwks: { keys: [{ ...client, kid: 'k1', alg: 'EdDSA', use: 'sig' }] },
        scope: 'events.read',
      },
    ],
    scopes: ['events.read'],
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['EdDSA'], dPoPSigningAlgValues: ['EdDSA'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://calendar.example',
        getResourceServerInfo: () => ({
          scope: 'events.read',
          audience: 'https://calendar.example',
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'EdDSA', kid: 'a1' } },
        }),
      },
    },
  })
  provider.proxy = true
  const server = provider.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

answerMeasurements(run)
