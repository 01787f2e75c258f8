import { expect, test } from 'vitest'
import { isDocumentType } from './document-type.js'

test('a document is JSON or a key set, with or without parameters', () => {
  for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/jwk-set+json'])
    expect(isDocumentType(type), type).toBe(true)
  for (const type of ['text/html', 'application/json-seq', 'application/problem+json', ''])
    expect(isDocumentType(type), type).toBe(false)
})
