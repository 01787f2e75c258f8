import type { ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { pageForm } from './page-form.js'

const issuer = 'https://auth.example'
const session = { id: 'browser', csrf: 'secret' }
const right: ReadonlyArray<readonly [string, string]> = [
  ['content-type', 'application/x-www-form-urlencoded'],
  ['origin', issuer],
  ['sec-fetch-site', 'same-origin'],
]

function outcome(headers: ReadonlyArray<readonly [string, string]>): unknown {
  const body = new TextEncoder().encode('csrf=secret&decision=allow')
  const message: ReceivedMessage = { method: 'POST', target: '/consent', headers, body }
  try {
    return pageForm(message, { session, issuer }).get('decision')
  } catch (error) {
    return error instanceof AAuthError ? error.reason : error
  }
}

test(verifies('UIX-05', 'consent.browser', 'a form with two origins, sites or types is none of this page'), () => {
  expect(outcome(right)).toBe('allow')
  expect(outcome([...right, ['origin', issuer]])).toBe('page_not_from_here')
  expect(outcome([...right, ['sec-fetch-site', 'same-origin']])).toBe('page_not_from_here')
  expect(outcome([...right, ['content-type', 'application/x-www-form-urlencoded']])).toBe('content_type_unsupported')
})
