/** Makes the OpenAPI 3.1 document of the operator's API from its routes, so that neither can say what the other does not. */
import { z } from 'zod'
import { version } from '../../program/version.js'
import { adminReasons } from '../admin/reasons.js'
import type { AdminReason } from '../admin/admin.js'
import { problemType, problemView } from './problem.js'
import type { Route } from './route.js'

type Json = Readonly<Record<string, unknown>>

/** Every address may answer these. */
const everywhere: readonly AdminReason[] = [
  ...(['not-signed-in', 'other-site', 'malformed-question', 'too-many-logins'] as const),
  'unavailable',
]

export function openApiOf(routes: readonly Route[], prefix: string): Json {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[`${prefix}${route.path}`] ??= {})
    path[route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lockkeeper: the operator’s API',
      version,
      description: 'What an operator may ask of a gateway, and do. docs/AUDIT.md says more.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { password: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemView, 'output') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        password: { type: 'http', scheme: 'basic' },
      },
    },
  }
}

function operationOf(route: Route): Json {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
  ]
  const body = schemaOf(route.body, 'input')
  const hasBody = Object.keys((body.properties as Json | undefined) ?? {}).length > 0
  return {
    operationId: route.id,
    summary: route.summary,
    description: `For a ${route.role}.`,
    parameters,
    ...(hasBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } }
      : {}),
    responses: { 200: answerOf(route), ...problemsOf(route) },
  }
}

function answerOf(route: Route): Json {
  const content =
    route.kind === 'json'
      ? { 'application/json': { schema: schemaOf(route.answer, 'output') } }
      : { [route.type]: { schema: { type: 'string' } } }
  return { description: route.summary, content }
}

/** By status; each names the reasons that it stands for. */
function problemsOf(route: Route): Json {
  const own = route.role === 'operator' ? (['not-an-operator'] as const) : []
  const reasons = [...new Set<AdminReason>([...everywhere, ...own, ...route.reasons])]
  const statuses = [...new Set(reasons.map((reason) => adminReasons[reason].status))].sort()
  const answers = statuses.map((status) => {
    const names = reasons.filter((reason) => adminReasons[reason].status === status)
    const schema = { $ref: '#/components/schemas/Problem' }
    return [
      String(status),
      { description: names.join(', '), content: { [problemType]: { schema } } },
    ] as const
  })
  return Object.fromEntries(answers)
}

function parametersOf(schema: z.ZodType, where: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Readonly<Record<string, Json>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  // The document names the draft, once for all.
  const own = Object.entries(z.toJSONSchema(schema, { io, unrepresentable: 'any' }))
  return Object.fromEntries(own.filter(([key]) => key !== '$schema'))
}
