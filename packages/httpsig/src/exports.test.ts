import { expect, test } from 'vitest'
import * as main from './index.js'
import * as node from './node.js'

test('what is exported is what is meant to be', () => {
  expect(new Set(Object.keys(main))).toEqual(
    new Set([
      'HttpSigError',
      'algorithms',
      'base64urlDecode',
      'base64urlEncode',
      'checkContentDigest',
      'checkTarget',
      'chooseAuthority',
      'digestStream',
      'explainSignature',
      'fromRequest',
      'generatePrivateJwk',
      'generateSigningKey',
      'headerValues',
      'importSigningKey',
      'importVerifyKey',
      'isSignatureLength',
      'isSigned',
      'matchesContentDigest',
      'memoryReplaySet',
      'openSignature',
      'parseContentDigest',
      'parsePublicJwk',
      'parseSignatureKey',
      'serializeSignatureKey',
      'signRequest',
      'signatureLength',
      'thumbprint',
      'verifyKeyCache',
      'verifySignature',
      'writeContentDigest',
    ]),
  )
  expect(Object.keys(node)).toEqual(['fromNode'])
})
