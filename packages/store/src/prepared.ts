import type { CompiledQuery, Kysely, QueryResult } from 'kysely'

/** Runs a prepared statement with these parameters. */
export type Prepared<T, P, R> = (on: Kysely<T>, parameters: P) => Promise<QueryResult<R>>

/**
 * A statement that is put into SQL once and not at every call, which costs as much as the statement itself: for what runs
 * thousands of times a second. On `db` and in `write()` it may do what any other statement may there.
 * @param build makes it, called once, with a stand-in for each parameter. What depends on a value (`is null`) needs a
 * statement of its own
 * @throws TypeError when a parameter is missing
 */
export function prepared<T, P extends object, R = unknown>(
  build: (on: Kysely<T>, parameters: P) => { compile(): CompiledQuery<R> },
): Prepared<T, P, R> {
  let statement: { readonly query: CompiledQuery<R>; readonly values: (parameters: P) => unknown[] } | undefined
  return async (on, parameters) => {
    statement ??= prepare(on, build)
    const { query, values } = statement
    const executor = on.getExecutor()
    // For what it refuses: a change outside `write()`, or a `write()` that has ended.
    executor.transformQuery(query.query, query.queryId)
    return executor.executeQuery({ ...query, parameters: values(parameters) })
  }
}

function prepare<T, P extends object, R>(
  on: Kysely<T>,
  build: (on: Kysely<T>, parameters: P) => { compile(): CompiledQuery<R> },
): { readonly query: CompiledQuery<R>; readonly values: (parameters: P) => unknown[] } {
  const names = new Map<unknown, string>()
  const standIns = new Proxy({} as P, {
    get(_, name) {
      const standIn = Symbol(String(name))
      names.set(standIn, String(name))
      return standIn
    },
  })
  const query = build(on, standIns).compile()
  const slots = query.parameters.map(parameter => ({ name: names.get(parameter), constant: parameter }))
  const values = (parameters: P): unknown[] =>
    slots.map(({ name, constant }) => {
      if (name === undefined) return constant
      const value = parameters[name as keyof P]
      if (value === undefined) throw new TypeError('a parameter of a prepared statement is missing')
      return value
    })
  return { query, values }
}
