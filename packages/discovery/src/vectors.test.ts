import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { bytesOf, readVectors, type VectorBotDirectory } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { createBotDirectory, type FetchedDocument } from './index.js'

function documentOf({ response }: VectorBotDirectory): FetchedDocument {
  const { status, headers, body } = response
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? ''
  return { status, contentType, headers, body: bytesOf(body) }
}

/** What a directory proves of the key that is asked for. */
async function judged(input: VectorBotDirectory, at: number): Promise<object> {
  const directory = createBotDirectory({ now: () => at, fetcher: async () => documentOf(input) })
  try {
    const key = await directory.key(input.bot, input.keyid)
    if (key !== undefined) return { result: 'accept', thumbprint: key.thumbprint }
    // The guard says so of a key that the directory does not prove.
    return { result: 'refuse', reason: 'bot_key_unknown', code: 'invalid_signature', status: 401 }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const { reason, code, status } = error
    return { result: 'refuse', reason, code, status }
  }
}

describe('directories of bots of the vectors', () => {
  for (const { id, title, clauses, input, at = 0, expect: expected } of readVectors('bot-directories'))
    test(verifies(...(clauses as [string]), `${title} (${id})`), async () => {
      const { where: _where, ...told } = expected as Record<string, unknown>
      expect(await judged(input, at)).toEqual(told)
    })
})
