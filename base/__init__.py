"""Basics that all apps share: API errors, error pages, rate limits, names, the security log."""
