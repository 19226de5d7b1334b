"""The dashboards, in the order in which people meet them."""

import api_usage
import billing
import exporter_health
import fleet
import oauth_client
import talkdesk_spend

BOARDS = [module.board() for module in (fleet, api_usage, oauth_client, billing, talkdesk_spend, exporter_health)]
