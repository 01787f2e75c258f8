import { expect, test } from 'vitest'
import { fromRequest, headerValues } from '../index.js'

// A page cannot make requests with these headers: servers get them.

test.each(['cookie', 'x-line'])(
  'as many lines of %s as Node keeps are 431, joined as they are; fewer are read',
  async name => {
    const read = (lines: number) => {
      const headers = new Headers()
      for (let line = 0; line < lines; line++) headers.append(name, 'a=1')
      return fromRequest(new Request('https://calendar.example/', { headers }), { bodyLimit: 0 })
    }
    for (const lines of [1500, 1000])
      await expect(read(lines)).rejects.toMatchObject({ status: 431, code: 'invalid_request' })
    expect(headerValues(await read(900), name)).toHaveLength(1)
  },
)
