import { expect, test } from 'vitest'
import * as main from './index.js'
import * as node from './node.js'
import * as web from './web.js'

test('exactly the listed names are exported', () => {
  expect(new Set(Object.keys(main))).toEqual(
    new Set([
      'HttpSigError',
      'SigningKeyError',
      'algorithms',
      'answerAcceptSignature',
      'checkContentDigest',
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
      'matchesContentDigest',
      'memoryReplaySet',
      'openSignature',
      'parseAcceptSignature',
      'parseContentDigest',
      'parsePublicJwk',
      'parseSignatureKey',
      'readBody',
      'receiveRequest',
      'requestMessage',
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
  expect(new Set(Object.keys(node))).toEqual(
    new Set(['fromNode', 'keepBody', 'peekNode', 'receiveNode', 'verifyOn', 'ed25519With']),
  )
  expect(new Set(Object.keys(web))).toEqual(new Set(['generateKeyPair', 'signingKeyOf']))
})
