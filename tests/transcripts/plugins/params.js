import { handler } from "troupe";

export const init = handler((params) => ({ result: params.api_key, params }));
