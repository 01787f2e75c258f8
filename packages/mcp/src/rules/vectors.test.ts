import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { readVectors, requestOf, type VectorRequest } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { checkStandardHeaders } from './standard-headers.js'

function judged(input: VectorRequest): object {
  const message = requestOf(input)
  const { method, params, id } = JSON.parse(new TextDecoder().decode(message.body)) as {
    method: string
    params: Readonly<Record<string, unknown>>
    id?: number
  }
  try {
    checkStandardHeaders(message, { method, params, isRequest: id !== undefined })
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const { reason, code, status } = error
    return { result: 'refuse', reason, code, status }
  }
  const name = params['name'] ?? params['uri'] ?? params['taskId']
  return { result: 'accept', method, ...(name !== undefined && { name }) }
}

describe('messages to MCP servers of the vectors', () => {
  for (const { id, title, clauses, input, expect: expected } of readVectors('mcp-requests'))
    test(verifies(...(clauses as [string]), `${title} (${id})`), () => {
      const { where: _where, ...told } = expected as Record<string, unknown>
      expect(judged(input)).toEqual(told)
    })
})
