import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { codeEnrollment, readEnrollment } from './enrollment-flags.js'
import { UsageError } from './usage-error.js'

const folder = temporaryFolder()
const file = join(folder, 'token')
writeFileSync(file, 'eyJ.of.workload\n')

test('a code, a token in a file and a token in a variable are taken', () => {
  expect(readEnrollment({ code: 'c1' }, {})).toEqual({ type: 'code', code: 'c1' })
  expect(readEnrollment({ oidcToken: file }, {})).toEqual({ type: 'oidc', token: 'eyJ.of.workload' })
  expect(readEnrollment({ oidcToken: 'env:JOB_TOKEN' }, { JOB_TOKEN: 'eyJ.of.job\n' })).toEqual({
    type: 'oidc',
    token: 'eyJ.of.job',
  })
})

test.each([
  ['neither', {}],
  ['both', { code: 'c1', oidcToken: file }],
  ['an empty code', { code: '' }],
  ['a variable that is not set', { oidcToken: 'env:NONE' }],
  ['a variable that is empty', { oidcToken: 'env:EMPTY' }],
  ['a file that is not there', { oidcToken: join(folder, 'none') }],
])('%s is a usage error', (_, flags) => {
  expect(() => readEnrollment(flags, { EMPTY: '' })).toThrow(UsageError)
})

test('a token in the place of a file is not repeated', () => {
  expect(() => readEnrollment({ oidcToken: 'eyJ.secret.token' }, {})).toThrow(
    'the file of --oidc-token cannot be read: it takes a file, - or env:NAME, never the token itself',
  )
})

test('where standard input has another use, the code is given itself', () => {
  expect(codeEnrollment('c1')).toEqual({ type: 'code', code: 'c1' })
  for (const code of ['-', '', 'two words']) expect(() => codeEnrollment(code)).toThrow(UsageError)
})
