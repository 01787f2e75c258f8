import type { Guarded } from '@countersign/resource'

/** A JSON-RPC answer. */
export interface RpcAnswer {
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

/** The facts, with calls that record their errors. Like the original calls, they are not enumerable. */
export function recordErrors(aauth: Guarded, thrown: unknown[]): Guarded {
  const recording =
    <A extends readonly unknown[]>(call: (...args: A) => Promise<Response>) =>
    async (...args: A): Promise<Response> => {
      try {
        return await call(...args)
      } catch (error) {
        // bound: one call
        thrown.push(error)
        throw error
      }
    }
  return Object.defineProperties(
    { ...aauth },
    {
      fetch: { value: recording(aauth.fetch) },
      oauth: { value: recording(aauth.oauth) },
      signal: { get: () => aauth.signal },
    },
  ) as Guarded
}

/** Whether an answer reports this error: the SDK turns errors of tools into failed results, all others into JSON-RPC errors. */
export function isReportedIn({ result, error }: RpcAnswer, thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  if (error !== undefined) return error.message === thrown.message
  const { isError, content } = result ?? {}
  return isError === true && Array.isArray(content) && content.some(part => Object(part).text === thrown.message)
}
