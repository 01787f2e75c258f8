import { expect, test } from 'vitest'
import { fromRequest, headerValues } from '../index.js'

test('reads a Fetch API request', async () => {
  const request = new Request('https://calendar.example:8443/a%2fb?c=d#e', {
    method: 'POST',
    headers: { 'X-A': '1' },
    body: 'text',
  })
  const message = await fromRequest(request, { bodyLimit: 4 })
  expect(message).toMatchObject({ method: 'POST', target: '/a%2fb?c=d' })
  expect(headerValues(message, 'host')).toEqual(['calendar.example:8443'])
  expect(headerValues(message, 'x-a')).toEqual(['1'])
  expect(new TextDecoder().decode(message.body)).toBe('text')
})

test('keeps a lone question mark, and has no body when the request has none', async () => {
  const message = await fromRequest(new Request('https://calendar.example?'), { bodyLimit: 0 })
  expect(message.target).toBe('/?')
  expect(message.body).toBeUndefined()
})

test('a body over the limit answers 413', async () => {
  const request = new Request('https://calendar.example/', { method: 'POST', body: 'x'.repeat(11) })
  await expect(fromRequest(request, { bodyLimit: 10 })).rejects.toMatchObject({ status: 413, code: 'invalid_request' })
})
