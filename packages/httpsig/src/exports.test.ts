import { expect, test } from 'vitest'
import * as main from './index.js'
import * as node from './node.js'

test('what is exported is what is meant to be', () => {
  expect(new Set(Object.keys(main))).toEqual(
    new Set([
      'HttpSigError',
      'algorithms',
      'answerAcceptSignature',
      'base64urlDecode',
      'base64urlDecodeText',
      'base64urlEncode',
      'checkContentDigest',
      'checkTarget',
      'chooseAuthority',
      'digestStream',
      'explainSignature',
      'fetchRequestMessage',
      'fetchResponseMessage',
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
      'parseAcceptSignature',
      'parseContentDigest',
      'parsePublicJwk',
      'parseSignatureKey',
      'pathOf',
      'queryOf',
      'requestMessage',
      'requiredComponents',
      'serializeAcceptSignature',
      'serializeSignatureKey',
      'signMessage',
      'signRequest',
      'signatureLength',
      'thumbprint',
      'verifyKeyCache',
      'verifyMessage',
      'verifySignature',
      'writeContentDigest',
    ]),
  )
  expect(new Set(Object.keys(node))).toEqual(new Set(['fromNode', 'headFromNode']))
})
