import { expect, test } from 'vitest'
import * as protocol from './index.js'

test('the public names', () => {
  expect(new Set(Object.keys(protocol))).toEqual(
    new Set([
      'AAuthError',
      'asAAuthError',
      'authorityOf',
      'checkAgentToken',
      'checkAuthToken',
      'checkIdentifierList',
      'checkResourceToken',
      'createCors',
      'errorResponse',
      'findKey',
      'identityScopes',
      'isIdentifier',
      'isListed',
      'jwks',
      'missingScope',
      'parseAgentAuth',
      'parseAgentMetadata',
      'parseAuthServerMetadata',
      'parseForm',
      'parseJson',
      'parseKeyProof',
      'parseResourceMetadata',
      'parseScope',
      'parseToken',
      'satisfies',
      'schemeOf',
      'serializeAgentAuth',
      'serializeScope',
      'signKeyProof',
      'signToken',
      'unionScope',
      'verifyKeyProof',
      'verifyTokenSignature',
      'wellKnownUrl',
      'withCors',
    ]),
  )
})
