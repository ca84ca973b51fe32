/** Knows how Fastify is told that no route has a schema. */
import type { FastifyServerOptions } from 'fastify'

function refuseSchema(): never {
  throw new Error('routes have no schemas here: what comes in is read with zod, or by hand')
}

/** Its compilers of schemas, a hundred modules, are loaded only where none are named. */
export const withoutSchemas = {
  schemaController: {
    compilersFactory: { buildValidator: refuseSchema, buildSerializer: refuseSchema },
  },
} satisfies FastifyServerOptions
