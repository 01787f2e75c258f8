import { describe, expect, test } from 'vitest'
import { checkOptions, each, eachMember, nearestName, type OptionChecks, objectOr, restriction } from '../internal.js'
import { checkOptions as checkInBrowser } from './check-options-browser.js'

interface Options {
  readonly agents?: readonly string[]
  readonly level?: 'identified' | 'authorized'
  readonly bodyLimit?: number
  readonly limits?: { readonly perAgent?: number }
  readonly routes?: ReadonlyArray<{ readonly path?: string }>
  readonly deny?: Readonly<Record<string, readonly string[]>>
  readonly cors?: 'off' | { readonly maxAge?: number }
  readonly onEvent?: () => void
}

const checks: OptionChecks<Options> = {
  agents: 'strings',
  level: ['identified', 'authorized'],
  bodyLimit: 'number',
  limits: { perAgent: 'number' },
  routes: each({ path: 'string' }),
  deny: eachMember('strings'),
  cors: objectOr({ maxAge: 'number' }, ['off']),
  onEvent: 'function',
}

function isOutOfRange(options: unknown): boolean {
  const { bodyLimit } = Object(options) as Options
  return typeof bodyLimit === 'number' && !(bodyLimit >= 0)
}

/** What `checkOptions` says of options that TypeScript would refuse, too. */
function told(options: unknown, required: Array<keyof Options> = []): string | undefined {
  try {
    checkOptions('guard', options as Options, checks, required)
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(isOutOfRange(options) ? RangeError : TypeError)
    return (error as TypeError).message
  }
}

const right: Options = {
  agents: ['https://agent.example'],
  level: 'authorized',
  bodyLimit: 0,
  limits: { perAgent: 3 },
  routes: [{ path: '/' }],
  deny: { agents: [] },
  cors: { maxAge: 60 },
  onEvent: () => {},
}

describe('checkOptions', () => {
  test('right options pass, and undefined members count as left out', () => {
    expect(told(right, ['agents'])).toBeUndefined()
    expect(told({ ...right, cors: 'off', limits: undefined })).toBeUndefined()
    expect(told({})).toBeUndefined()
  })

  test('a restriction may be left out, but must not be undefined', () => {
    const restricted: OptionChecks<Options> = { ...checks, agents: restriction('strings') }
    const check = (options: object) => () => checkOptions('guard', options, restricted)
    expect(check({ agents: undefined })).toThrow(
      new TypeError("guard: option 'agents' is undefined; leave it out, or give it a value"),
    )
    expect(check({ agents: 1 })).toThrow("guard: option 'agents' must be an array of strings, not a number")
    for (const right of [{}, { agents: [] }, { level: undefined }]) expect(check(right)).not.toThrow()
  })

  test('an unknown member is refused with the name that was probably meant', () => {
    expect(told({ agent: [] })).toBe("guard: unknown option 'agent'; did you mean 'agents'?")
    expect(told({ body_limit: 1 })).toBe("guard: unknown option 'body_limit'; did you mean 'bodyLimit'?")
    expect(told({ agent: undefined })).toBe("guard: unknown option 'agent'; did you mean 'agents'?")
  })

  test('when no name is near, all names are listed', () => {
    expect(told({ colour: 1 })).toBe(
      "guard: unknown option 'colour' (options are agents, level, bodyLimit, limits, routes, deny, cors, onEvent)",
    )
  })

  test('errors of nested members name their path', () => {
    expect(told({ limits: { perAgnet: 1 } })).toBe("guard: unknown option 'limits.perAgnet'; did you mean 'perAgent'?")
    expect(told({ routes: [{ path: '/' }, { pth: '/' }] })).toBe(
      "guard: unknown option 'routes[1].pth'; did you mean 'path'?",
    )
    expect(told({ cors: { maxage: 1 } })).toBe("guard: unknown option 'cors.maxage'; did you mean 'maxAge'?")
    expect(told({ deny: { agents: [1] } })).toBe(
      "guard: option 'deny.agents' must be an array of strings, not such an array",
    )
  })

  test('wrong values are refused without repeating them', () => {
    expect(told({ level: 'authorised' })).toBe(
      'guard: option \'level\' must be "identified" or "authorized"; did you mean \'authorized\'?',
    )
    expect(told({ bodyLimit: 'secret' })).toBe("guard: option 'bodyLimit' must be a number, 0 or more, not a string")
    expect(told({ bodyLimit: Number.NaN })).toBe("guard: option 'bodyLimit' must be a number, 0 or more, not NaN")
    expect(told({ bodyLimit: -1 })).toBe("guard: option 'bodyLimit' must be a number, 0 or more, not -1")
    expect(told({ agents: 'https://agent.example' })).toBe(
      "guard: option 'agents' must be an array of strings, not a string",
    )
    expect(told({ cors: 'of' })).toBe("guard: option 'cors' must be \"off\"; did you mean 'off'?")
    expect(told({ limits: null })).toBe("guard: option 'limits' must be an object")
  })

  test('options that are not an object are refused', () => {
    for (const options of [null, undefined, 'guard', 1, []])
      expect(told(options)).toBe('guard: its options must be an object')
  })

  test('a required member that is missing is named', () => {
    expect(told({}, ['agents'])).toBe("guard: option 'agents' is missing")
    expect(told({ agents: undefined }, ['agents'])).toBe("guard: option 'agents' is missing")
  })

  test('names of Object.prototype are unknown, and inherited members are checked', () => {
    expect(told({ toString: 1 })).toMatch(/^guard: unknown option 'toString'/)
    expect(told(JSON.parse('{"__proto__":1}'))).toMatch(/^guard: unknown option '__proto__'/)
    expect(told(Object.create({ agent: [] }))).toMatch(/^guard: unknown option 'agent'/)
  })
})

test('in a browser unknown names are refused as well', () => {
  expect(() => checkInBrowser('guard', { agent: [] } as Options, checks)).toThrow(
    new TypeError("guard: unknown option 'agent'"),
  )
  expect(() => checkInBrowser('guard', right, checks)).not.toThrow()
})

describe('nearestName', () => {
  test('finds a name with a letter missing, added, wrong or swapped', () => {
    const names = ['authServers', 'agents', 'level', 'send_email', 'id']
    expect(nearestName('authServer', names)).toBe('authServers')
    expect(nearestName('auth-servers', names)).toBe('authServers')
    expect(nearestName('levle', names)).toBe('level')
    expect(nearestName('send_mail', names)).toBe('send_email')
    expect(nearestName('di', names)).toBe('id')
  })

  test('finds the nearest of several names, and the first of equally near ones', () => {
    expect(nearestName('agent', ['agents', 'agent1', 'agent'])).toBe('agent')
    expect(nearestName('agent', ['agents', 'agent1'])).toBe('agents')
  })

  test('finds no name when none is near, or the name is long', () => {
    expect(nearestName('colour', ['agents', 'level'])).toBeUndefined()
    expect(nearestName('a'.repeat(100_000), ['a'.repeat(99_999)])).toBeUndefined()
    expect(nearestName('', ['a'])).toBeUndefined()
  })
})
