# Two spokes that may not speak to each other, and shared services that both reach, on one transit gateway with two tables.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_ec2_transit_gateway" "hub" {
  default_route_table_association = "disable"
  default_route_table_propagation = "disable"
  tags                            = { Name = "hub" }
}

resource "aws_ec2_transit_gateway_route_table" "spokes" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  tags               = { Name = "for-spokes" }
}

resource "aws_ec2_transit_gateway_route_table" "services" {
  transit_gateway_id = aws_ec2_transit_gateway.hub.id
  tags               = { Name = "for-services" }
}

module "spoke" {
  for_each = { red = "10.1", blue = "10.2" }
  source   = "./modules/spoke"
  name     = each.key
  prefix   = each.value
  gateway  = aws_ec2_transit_gateway.hub.id
  table    = aws_ec2_transit_gateway_route_table.spokes.id
}

resource "aws_vpc" "services" {
  cidr_block = "10.9.0.0/16"
  tags       = { Name = "services" }
}

resource "aws_subnet" "services" {
  count             = 2
  vpc_id            = aws_vpc.services.id
  cidr_block        = cidrsubnet("10.9.0.0/16", 8, count.index + 1)
  availability_zone = element(["us-east-1a", "us-east-1b"], count.index)
  tags              = { Name = ["services-a", "services-b"][count.index] }
}

resource "aws_route_table" "services" {
  vpc_id = aws_vpc.services.id
  route {
    cidr_block         = "10.0.0.0/8"
    transit_gateway_id = aws_ec2_transit_gateway.hub.id
  }
}

resource "aws_route_table_association" "services" {
  count          = 2
  subnet_id      = element(aws_subnet.services[*].id, count.index)
  route_table_id = aws_route_table.services.id
}

resource "aws_security_group" "services" {
  name   = "services"
  vpc_id = aws_vpc.services.id
  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8"]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "services" {
  count                  = 2
  subnet_id              = aws_subnet.services[count.index].id
  private_ip             = cidrhost(aws_subnet.services[count.index].cidr_block, 10)
  vpc_security_group_ids = [aws_security_group.services.id]
  tags                   = { Name = "services-${count.index + 1}" }
}

resource "aws_ec2_transit_gateway_vpc_attachment" "services" {
  transit_gateway_id                              = aws_ec2_transit_gateway.hub.id
  vpc_id                                          = aws_vpc.services.id
  subnet_ids                                      = aws_subnet.services[*].id
  appliance_mode_support                          = "enable"
  transit_gateway_default_route_table_association = false
  transit_gateway_default_route_table_propagation = false
  tags                                            = { Name = "to-services" }
}

resource "aws_ec2_transit_gateway_route_table_association" "services" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.services.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.services.id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "services" {
  transit_gateway_attachment_id  = aws_ec2_transit_gateway_vpc_attachment.services.id
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.spokes.id
}

resource "aws_ec2_transit_gateway_route_table_propagation" "red" {
  transit_gateway_attachment_id  = module.spoke["red"].attachment
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.services.id
}

resource "aws_ec2_transit_gateway_route" "blue" {
  destination_cidr_block         = "10.2.0.0/16"
  transit_gateway_attachment_id  = module.spoke["blue"].attachment
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.services.id
}

resource "aws_ec2_transit_gateway_route" "closed" {
  destination_cidr_block         = "10.9.2.0/24"
  blackhole                      = true
  transit_gateway_route_table_id = aws_ec2_transit_gateway_route_table.spokes.id
}
